-- Adds messages at the end of the thread, all in one version.
--
-- KEYS: 1 session, 2 partition, 3 thread, [client ids, if a message has one], [record]
-- ARGV: 1 to 6 as in part-retry, 7 most bytes a session may have, 8 bytes of all bodies
--   and client ids,
--   9 how the published change begins: ' +n', for each message ' idBytes bodyBytes', and a space; or ''
--   when the bodies are too long to be published; then for each message: client id or '', body
-- Returns: as in part-retry; {state, turn} while a turn runs; refused also {0, 'message-exists', id}
--
-- It declares only keys that exist from create on (but the record of an idempotency key): while a
-- Cluster slot moves, one absent declared key would refuse the whole append.
-- #include part-retry
-- #include part-session
if w ~= 'a' and string.byte(w) == 99 then return {0, 'session-complete'} end
local last = #ARGV
for i = 10, last, 2 do
  if ARGV[i] ~= '' then
    local at = call('HGET', KEYS[4], ARGV[i])
    if at and #call('XRANGE', KEYS[3], at, at) > 0 then return {0, 'message-exists', ARGV[i]} end
  end
end
b = b + ARGV[8]
if b > ARGV[7] + 0 then return {0, 'session-too-large'} end

local version, stamp = format('%d', v + 1), format('%d', now)
local entry, seq, ids = version .. '-0', '', ''
for i = 10, last, 2 do
  seq = format('%d', q + 1)
  call('XADD', KEYS[3], entry, 'h', ARGV[1] .. ' ' .. seq .. ' ' .. stamp .. ' ' .. ARGV[i], 'b', ARGV[i + 1])
  if ARGV[i] ~= '' then call('HSET', KEYS[4], ARGV[i], entry) end
  if body ~= '' then
    local id = ARGV[i]
    ids = ids .. (id == '' and ' -' or id == '-' and ' ~-' or ' ' .. id)
  end
  if i + 1 < last then entry, q = version .. format('-%d', (i - 8) / 2), q + 1 end
end
e = now + l * 1000
if e < least then e = least end
local line = format('%s %s %d %d %d %s', version, seq, c + (last - 9) / 2, b, e, stamp)
local state = ARGV[1] .. ' ' .. line .. tail
call('HSET', KEYS[1], 'p', state)
if e + 86400000 > k + 0 then
  -- #include part-keep
  state = lasting(state)
end
if body ~= '' then
  call('SET', KEYS[#KEYS], 'D ' .. body .. ' ' .. version .. '-' .. ARGV[1] .. ids, 'PX', 86400000)
end
local id, first, more = ARGV[10], ARGV[11], ''
if ARGV[9] == '' then
  id, first = '', format(' +%d', (last - 9) / 2)
elseif last > 11 then
  more = table.concat(ARGV, '', 12)
end
call(ARGV[6], ARGV[5], format('%d ', call('HINCRBY', KEYS[2], 'seq', '1')) .. t .. ' ' .. ARGV[1] .. ' ' .. ARGV[4] .. ' ' .. line .. ARGV[9] .. id .. first .. more)
return turn and {state, turn} or state
