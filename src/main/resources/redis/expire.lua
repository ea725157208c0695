-- Ends a session whose time has come, in this server's clock; or removes one left half built.
--
-- KEYS: 1 session, 2 partition, 3 thread, 4 client ids, 5 changes, 6 waiting turns, 7 state,
--   8 checkpoints, 9 due
-- ARGV: 1 to 9 as in part-retry (only 1, 5, 6, 7 are used), 10 change
-- Returns: {1, …} as in part-retry, the owner in the description's place
--   | {0, 'version-conflict'} it is not its time; its due time is moved to the truth
--   | {0, 'session-not-found'} nothing is there; its due time is removed
-- #include part-retry
local s = redis.call('HMGET', KEYS[1], 'v', 't', 'e', 'g', 'x', 'n', 'u', 'a', 'xv', 'xt', 'xg', 'xu')
if not s[1] or s[4] then
  redis.call('ZREM', KEYS[9], 'x:' .. ARGV[5])
  return {0, 'session-not-found'}
end
local q, c, b, e = 0, 0, 0, now
-- #include part-announce
-- #include part-tomb
if s[5] then
  if now < tonumber(s[6]) then
    redis.call('ZADD', KEYS[9], s[6], 'x:' .. ARGV[5])
    return {0, 'version-conflict'}
  end
  if s[9] then
    tomb(s[11], s[9], s[10], s[12])
  else
    redis.call('UNLINK', KEYS[1], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8])
    redis.call('ZREM', KEYS[9], 'x:' .. ARGV[5])
  end
  return {1, tonumber(s[1]), 0, 0, 0, now, now, tonumber(s[8]), 0, s[7] or '', s[2]}
end
if now < tonumber(s[3]) then
  redis.call('ZADD', KEYS[9], s[3], 'x:' .. ARGV[5])
  return {0, 'version-conflict'}
end
local v = s[1] + 1
local version = string.format('%.0f', v)
tomb('expired', version, ARGV[1], s[7])
announce(version, s[2], ARGV[10])
return {1, v, 0, 0, 0, now, now, tonumber(s[8]), 0, s[7] or ''}
