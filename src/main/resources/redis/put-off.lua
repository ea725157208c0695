-- Puts off one of the due members, whose turn was tried and failed, so that it does not stand in the way of
-- others; or takes one out that names nothing. One that somebody has moved since is left as it is.
--
-- KEYS: 1 due times
-- ARGV: 1 member, 2 milliseconds from now on, or '' to take it out
-- Returns: {1} if it was due, else {0}
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if not at or at + 0 > now then return {0} end
-- First what a full Redis does not refuse.
redis.call('ZREM', KEYS[1], ARGV[1])
if ARGV[2] ~= '' then redis.call('ZADD', KEYS[1], string.format('%d', now + ARGV[2]), ARGV[1]) end
return {1}
