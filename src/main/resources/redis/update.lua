-- Replaces a session's description; the last step of a patch.
--
-- KEYS: 1 session, 2 partition, 3 changes, 4 due, [5 record]
-- ARGV: 1 to 9 as in part-retry, 10 description, 11 TTL in seconds, 12 'a' or 'c', 13 change as it is
--   kept, 14 change as it is published
-- Returns: as in part-retry
-- #include part-retry
-- #include part-session
-- #include part-announce
-- The owner stays. Quotes inside of it are escaped, so what ends it here is not a part of it.
local owner = string.match(redis.call('HGET', KEYS[1], 'd'), '^{"user":(.-),"title":')
local described = '{"user":' .. owner .. string.match(ARGV[10], ',"title":.*$')
v = v + 1
e = now + ARGV[11] * 1000
local version = string.format('%.0f', v)
redis.call('HSET', KEYS[1], 'v', version, 't', ARGV[1], 'e', string.format('%.0f', e), 'z', string.format('%.0f', now), 'l', ARGV[11], 'w', ARGV[12], 'd', described)
redis.call('XADD', KEYS[3], 'MAXLEN', 256, version .. '-0', 't', ARGV[1], 'z', string.format('%.0f', now), 'c', ARGV[13])
-- A shorter life: the due time must never be after the truth.
redis.call('ZADD', KEYS[4], 'LT', string.format('%.0f', e), 'x:' .. ARGV[5])
announce(version, t, ARGV[14])
return {1, v, q, c, b, e, now, tonumber(s[15]), e + 86400000 > k and 1 or 0, described}
