-- Makes a session with its first messages, or takes its id for one that is built in steps.
--
-- KEYS: 1 session, 2 partition, 3 thread, 4 client ids, 5 changes, 6 state, 7 checkpoints, 8 due,
--   [9 record]
-- ARGV: 1 to 6 as in part-retry, 7 most bytes a session may have, 8 bytes of all bodies and
--   client ids, 9 owner or '', 10 description, 11 TTL in seconds, 12 'a' or 'c', 13 building: '<build>' or '', 14 change, then
--   for each message: client id or '', body
-- Returns: as in part-retry
-- #include part-retry
local s = call('HMGET', KEYS[1], 'p', 'x', 'n', 'v', 't', 'g', 'u')
local ends = s[2] and s[3] or s[1] and string.match(s[1], '^%S+ %d+ %d+ %d+ %d+ (%d+)')
if ends then
  if now < ends + 0 then return {0, 'session-exists'} end
  return {3}
end
if ARGV[2] ~= '' then
  local lock, match = string.match(ARGV[2], '^([^\n]*)\n([^\n]*)\n')
  if lock ~= '' then return {0, 'stale-fence'} end
  if match ~= '' then return {0, 'version-conflict'} end
end
if ARGV[8] + 0 > ARGV[7] + 0 then return {0, 'session-too-large'} end

-- First what a full Redis refuses: an UNLINK before it would let all that follows pass.
local e = format('%d', now + ARGV[11] * 1000)
call('ZADD', KEYS[8], ARGV[13] == '' and e or format('%d', now + 60000), 'x:' .. ARGV[4])
-- A tombstone's keys are gone; what a lost expiry of a key could have left goes here.
call('UNLINK', KEYS[1], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7])
local version, stamp, q = format('%d', (s[4] or 0) + 1), format('%d', now), 0
local ids = ''
call('HSET', KEYS[4], '~', '')
call('XADD', KEYS[3], '0-1', '~', '')
call('XDEL', KEYS[3], '0-1')
for i = 15, #ARGV, 2 do
  local entry = version .. '-' .. q
  q = q + 1
  call('XADD', KEYS[3], entry, 'h', ARGV[1] .. ' ' .. q .. ' ' .. stamp .. ' ' .. ARGV[i], 'b', ARGV[i + 1])
  if ARGV[i] ~= '' then call('HSET', KEYS[4], ARGV[i], entry) end
  local id = ARGV[i]
  ids = ids .. (id == '' and ' -' or id == '-' and ' ~-' or ' ' .. id)
end
local k = format('%d', e + 172800000)
local line = format('%s %d %d %s %s %s', version, q, q, ARGV[8], e, stamp)
local state = format('%s %s %s %s %s %s %s', ARGV[1], line, ARGV[11], ARGV[12], k, stamp, ARGV[9])
call('HSET', KEYS[1], ARGV[13] == '' and 'p' or 'xp', state, 'f', 0, 'd', ARGV[10])
if ARGV[13] ~= '' then
  -- While it is built, 'n' is when whoever builds it is taken for dead; what was there comes back then.
  call('HSET', KEYS[1], 'x', ARGV[13], 'n', format('%d', now + 60000))
  if s[6] then call('HSET', KEYS[1], 'xv', s[4], 'xt', s[5], 'xg', s[6], 'xu', s[7] or '') end
  call('XADD', KEYS[5], '0-1', '~', '')
  call('XDEL', KEYS[5], '0-1')
else
  call('XADD', KEYS[5], version .. '-0', 't', ARGV[1], 'z', stamp, 'c', ARGV[14])
end
for _, i in ipairs({1, 3, 4, 5}) do call('PEXPIREAT', KEYS[i], k) end
if ARGV[13] == '' then
  call(ARGV[6], ARGV[5], format('%d ', call('HINCRBY', KEYS[2], 'seq', '1')) .. (s[5] or '-') .. ' ' .. ARGV[1] .. ' ' .. ARGV[4] .. ' ' .. line .. ' ' .. ARGV[14])
  if body ~= '' then
    call('SET', KEYS[#KEYS], 'D ' .. body .. ' ' .. version .. '-' .. ARGV[1] .. ids, 'PX', 86400000)
  end
end
return {state, ARGV[10]}
