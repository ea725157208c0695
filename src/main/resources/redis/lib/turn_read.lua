-- The session of a read of turns: checks that it exists, belongs to the owner and is not expired.
-- Reads: key_session, owner
-- Leaves: call, packed, running, waiting, ended (T, Q and E of turn_write), clock, now, what owned and parse_rest leave
-- Defines: record (a turn record's fields, or false)
local call = redis.call
local packed, running, waiting, ended = unpack(call('HMGET', key_session, 'p', 'T', 'Q', 'E'))
-- #include owned
-- #include parse_rest
-- #include clock
-- A running turn keeps its session alive: its end slides the expiry.
if not running and now >= expires_at + 0 then return {0, 'session-expired'} end
local function record(key)
  local fields = call('HMGET', key, 'c', 'm', 'q', 'z', 'v', 's', 'a', 'e', 'j', 'o', 'u')
  -- A record of an earlier session with this id does not count.
  return fields[11] == created_at and fields or false
end
