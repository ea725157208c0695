-- Puts off a due member whose handling failed, so that it does not block others, or removes one that names nothing. A member that was moved
-- meanwhile stays.
-- KEYS: due
-- ARGV: member, millis (from now on, or '' to take it out)
-- Returns: {1} if it was due, else {0}
local call, key_due = redis.call, KEYS[1]
local member, millis = unpack(ARGV)
local at = call('ZSCORE', key_due, member)
-- #include clock
if not at or at + 0 > now then return {0} end
-- A full Redis does not refuse this first write.
call('ZREM', key_due, member)
if millis ~= '' then call('ZADD', key_due, string.format('%d', now + millis), member) end
return {1}
