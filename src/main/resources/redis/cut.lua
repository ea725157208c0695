-- Deletes one message, every message after one, or the whole thread.
--
-- KEYS: 1 session, 2 partition, 3 thread, 4 client ids, 5 changes, [6 record]
-- ARGV: 1 to 9 as in part-retry, 10 'one', 'after' or 'all', 11 place, 12 its tag, 13 message id,
--   14 change
-- Returns: as in part-retry | {0, 'message-not-found'}
-- #include part-retry
-- #include part-session
-- #include part-announce
-- #include part-entry
local found, place
if ARGV[10] ~= 'all' then
  found, place = find(KEYS[3], KEYS[4], ARGV[11], ARGV[12], ARGV[13])
  if not found then return {0, 'message-not-found'} end
end
v = v + 1
e = now + l * 1000
if ARGV[10] == 'one' then
  redis.call('XDEL', KEYS[3], place)
  c = c - 1
  b = b - #found[2][4]
elseif ARGV[10] == 'all' then
  -- Not DEL: an append declares these keys and must find them while a slot moves.
  redis.call('XTRIM', KEYS[3], 'MAXLEN', 0)
  redis.call('UNLINK', KEYS[4])
  redis.call('HSET', KEYS[4], '~', '')
  redis.call('PEXPIREAT', KEYS[4], string.format('%.0f', k))
  c, b = 0, 0
else
  repeat
    local entries = redis.call('XRANGE', KEYS[3], '(' .. place, '+', 'COUNT', 500)
    local ids = {}
    for i = 1, #entries do
      ids[i] = entries[i][1]
      b = b - #entries[i][2][4]
    end
    if #ids > 0 then redis.call('XDEL', KEYS[3], unpack(ids)) end
    c = c - #ids
  until #ids < 500
end
local version, stamp = string.format('%.0f', v), string.format('%.0f', now)
redis.call('HSET', KEYS[1], 'v', version, 't', ARGV[1], 'c', string.format('%.0f', c), 'b', string.format('%.0f', b), 'e', string.format('%.0f', e), 'z', stamp)
redis.call('XADD', KEYS[5], 'MAXLEN', 256, version .. '-0', 't', ARGV[1], 'z', stamp, 'c', ARGV[14])
announce(version, t, ARGV[14])
return {1, v, q, c, b, e, now, tonumber(s[15]), e + 86400000 > k and 1 or 0, s[9] or ''}
