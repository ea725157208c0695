-- Takes the session's lock for a client.
--
-- KEYS: 1 session, [2 record]
-- ARGV: 1 owner the session must have ('' for any), 2 TTL in milliseconds, 3 random part of the token,
--   4 label or '', [5 hash of the request's body]
-- Returns: {1, token, fence, until, now, label} | {2, …} as in part-once | {0, code}
--   | {0, 'session-locked', until, now}
-- #include part-once
-- #include part-alive
if token then return {0, 'session-locked', ends, now} end
local fence = redis.call('HINCRBY', KEYS[1], 'f', 1)
token, ends = string.format('%d', fence) .. '-' .. ARGV[3], now + ARGV[2]
redis.call('HSET', KEYS[1], 'o', 'c', 'y', ARGV[4])
hold(ends, token)
keep(token, fence, ends, ARGV[4])
return {1, token, fence, ends, now, ARGV[4]}
