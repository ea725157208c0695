-- Deletes a session. On the tombstone of a delete it changes nothing.
--
-- KEYS: 1 session, 2 partition, 3 thread, 4 client ids, 5 changes, 6 waiting turns, 7 state,
--   8 checkpoints, 9 due, [10 record]
-- ARGV: 1 to 9 as in part-retry, 10 change
-- Returns: as in part-retry
-- #include part-retry
local gone = redis.call('HMGET', KEYS[1], 'g', 'u', 'v', 't')
if gone[1] == 'deleted' and (ARGV[2] == '' or ARGV[2] == gone[2]) then
  return {1, tonumber(gone[3]), 0, 0, 0, now, now, now, 0, '', gone[4]}
end
-- #include part-session
-- #include part-announce
-- #include part-tomb
v, q, c, b, e = v + 1, 0, 0, 0, now
local version = string.format('%.0f', v)
tomb('deleted', version, ARGV[1], s[9])
announce(version, t, ARGV[10])
return {1, v, q, c, b, e, now, tonumber(s[15]), 0, s[9] or ''}
