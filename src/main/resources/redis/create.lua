-- Makes a session with its first messages, or takes its id for one that is built in steps.
--
-- KEYS: 1 session, 2 partition, 3 thread, 4 client ids, 5 changes, 6 waiting turns, 7 state,
--   8 checkpoints, 9 due, [10 record]
-- ARGV: 1 to 9 as in part-retry, 10 most bytes a session may have, 11 bytes of all bodies, 12 owner or
--   '', 13 description, 14 TTL in seconds, 15 'a' or 'c', 16 building: '<build>' or '', 17 change, then
--   for each message: client id or '', body
-- Returns: as in part-retry
-- #include part-retry
local s = redis.call('HMGET', KEYS[1], 'v', 't', 'e', 'g', 'x', 'u', 'n')
local base = tonumber(s[1]) or 0
if s[5] then
  if now < tonumber(s[7]) then return {0, 'session-exists'} end
  return {3}
elseif s[1] and not s[4] then
  if now < tonumber(s[3]) then return {0, 'session-exists'} end
  return {3}
end
if ARGV[3] ~= '' then return {0, 'stale-fence'} end
if ARGV[4] ~= '' then return {0, 'version-conflict'} end
local b = tonumber(ARGV[11])
if b > tonumber(ARGV[10]) then return {0, 'session-too-large'} end

-- A tombstone's keys are gone; what a lost expiry of a key could have left goes here.
redis.call('UNLINK', KEYS[1], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8])
local v, q, c = base + 1, 0, 0
local version, stamp = string.format('%.0f', v), string.format('%.0f', now)
local ids = ''
redis.call('HSET', KEYS[4], '~', '')
redis.call('XADD', KEYS[6], '0-1', '~', '')
redis.call('XDEL', KEYS[6], '0-1')
redis.call('XADD', KEYS[3], '0-1', '~', '')
redis.call('XDEL', KEYS[3], '0-1')
for i = 18, #ARGV, 2 do
  local entry = version .. '-' .. q
  q = q + 1
  c = c + 1
  redis.call('XADD', KEYS[3], entry, 'h', ARGV[1] .. ' ' .. q .. ' ' .. stamp .. ' ' .. ARGV[i], 'b', ARGV[i + 1])
  if ARGV[i] ~= '' then redis.call('HSET', KEYS[4], ARGV[i], entry) end
  ids = ids .. ' ' .. (ARGV[i] ~= '' and ARGV[i] or '-')
end
local e = now + ARGV[14] * 1000
local k = e + 172800000
redis.call('HSET', KEYS[1], 'v', version, 't', ARGV[1], 'q', q, 'c', c, 'b', ARGV[11], 'e', string.format('%.0f', e), 'l', ARGV[14], 'a', stamp, 'z', stamp, 'k', string.format('%.0f', k), 'w', ARGV[15], 'f', 0, 'd', ARGV[13])
if ARGV[12] ~= '' then redis.call('HSET', KEYS[1], 'u', ARGV[12]) end
if ARGV[16] ~= '' then
  -- While it is built, 'n' is when whoever builds it is taken for dead; what was there comes back then.
  redis.call('HSET', KEYS[1], 'x', ARGV[16], 'n', string.format('%.0f', now + 60000))
  if s[4] then redis.call('HSET', KEYS[1], 'xv', s[1], 'xt', s[2], 'xg', s[4], 'xu', s[6] or '') end
  redis.call('XADD', KEYS[5], '0-1', '~', '')
  redis.call('XDEL', KEYS[5], '0-1')
  redis.call('ZADD', KEYS[9], string.format('%.0f', now + 60000), 'x:' .. ARGV[5])
else
  redis.call('XADD', KEYS[5], version .. '-0', 't', ARGV[1], 'z', stamp, 'c', ARGV[17])
  redis.call('ZADD', KEYS[9], string.format('%.0f', e), 'x:' .. ARGV[5])
end
for _, i in ipairs({1, 3, 4, 5, 6}) do redis.call('PEXPIREAT', KEYS[i], string.format('%.0f', k)) end
if ARGV[16] == '' then
  redis.call(ARGV[7], ARGV[6], string.format('%.0f %s %s %s %s %.0f %.0f %.0f %.0f %s ', redis.call('HINCRBY', KEYS[2], 'seq', 1), s[2] or '-', ARGV[1], ARGV[5], version, q, c, b, e, stamp) .. ARGV[17])
  if ARGV[8] ~= '' then
    redis.call('SET', KEYS[#KEYS], 'D ' .. ARGV[8] .. ' ' .. version .. '-' .. ARGV[1] .. ids, 'PX', 86400000)
  end
end
return {1, v, q, c, b, e, now, now, 0, ARGV[13]}
