-- Puts off one of the due members, whose turn was tried and failed, so that it does not stand in the way of others; or takes one out that
-- names nothing. One that somebody has moved since is left as it is.
-- KEYS: due
-- ARGV: member, millis (from now on, or '' to take it out)
-- Returns: {1} if it was due, else {0}
local call, key_due = redis.call, KEYS[1]
local member, millis = unpack(ARGV)
local at = call('ZSCORE', key_due, member)
-- #include clock
if not at or at + 0 > now then return {0} end
-- First what a full Redis does not refuse.
call('ZREM', key_due, member)
if millis ~= '' then call('ZADD', key_due, string.format('%d', now + millis), member) end
return {1}
