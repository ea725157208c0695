-- The session of what reads turns: is it there and the owner's, and are the records its own.
-- Reads: key_session, owner
-- Leaves: call, packed, running, waiting, ended (T, Q and E of turn_write), clock, now, what owned leaves
-- Defines: record (a turn record's fields, or false)
local call = redis.call
local packed, running, waiting, ended = unpack(call('HMGET', key_session, 'p', 'T', 'Q', 'E'))
-- #include owned
-- #include clock
-- While a turn runs it will be ended first, and that lets the session live on.
if not running and now >= expires_at + 0 then return {0, 'session-expired'} end
local function record(key)
  local fields = call('HMGET', key, 'c', 'm', 'q', 'z', 'v', 's', 'a', 'e', 'j', 'o', 'u')
  -- One of an earlier session of this id is none of this one's.
  return fields[11] == created_at and fields or false
end
