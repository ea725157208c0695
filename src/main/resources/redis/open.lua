-- Publishes a session that was built in steps: the one version of the whole building.
--
-- KEYS: 1 session, 2 partition, 3 changes, 4 due, [5 record]
-- ARGV: 1 to 9 as in part-retry, 10 build, 11 change
-- Returns: as in part-retry, and the building's tag | {0, 'session-not-found'} when the build is over
-- #include part-retry
local s = redis.call('HMGET', KEYS[1], 'v', 't', 'q', 'c', 'b', 'l', 'x', 'a', 'd', 'xt')
if s[7] ~= ARGV[10] then return {0, 'session-not-found'} end
local e = now + s[6] * 1000
redis.call('HDEL', KEYS[1], 'x', 'n', 'xv', 'xt', 'xg', 'xu')
redis.call('HSET', KEYS[1], 'e', string.format('%.0f', e), 'z', string.format('%.0f', now))
redis.call('XADD', KEYS[3], s[1] .. '-0', 't', s[2], 'z', string.format('%.0f', now), 'c', ARGV[11])
redis.call('ZADD', KEYS[4], string.format('%.0f', e), 'x:' .. ARGV[5])
redis.call(ARGV[7], ARGV[6], string.format('%.0f %s %s %s %s %s %s %s %.0f %.0f ', redis.call('HINCRBY', KEYS[2], 'seq', 1), s[10] or '-', s[2], ARGV[5], s[1], s[3], s[4], s[5], e, now) .. ARGV[11])
if ARGV[8] ~= '' then
  redis.call('SET', KEYS[#KEYS], 'D ' .. ARGV[8] .. ' ' .. s[1] .. '-' .. s[2], 'PX', 86400000)
end
return {1, tonumber(s[1]), tonumber(s[3]), tonumber(s[4]), tonumber(s[5]), e, now, tonumber(s[8]), 1, s[9], s[2]}
