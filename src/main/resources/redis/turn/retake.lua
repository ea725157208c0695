-- Begins the attempt after one whose lease has ended and that has said nothing.
-- KEYS: @turn
-- ARGV: @turn, dead (the dead attempt), lease_millis
-- Returns: {state, turn}; no version is made | {2, …} a replay | {0, code}: turn-running while the lease has not ended, turn-ended when the
--   turn is not in that attempt, has said something or was cancelled
--
-- A refusal moves the session's due time to the truth. A full Redis refuses: what a model said could not be kept.
-- #include write
-- #include turn
local dead, lease_millis = unpack(ARGV, 9, 10)
-- #include retry
-- #include room
-- #include turn_alive
-- #include turn_write
local full = room()
-- #include pass
if running ~= turn_id or attempt ~= dead then
  if running == turn_id and began == new_tag then return {packed, running} end
  -- #include turn_due
  return {0, 'turn-ended'}
end
if now < lease + 0 then
  due(lease)
  return {0, 'turn-running', running}
end
if last ~= '0' or cancel ~= '-' then return {0, 'turn-ended'} end
if full then return full end
local ends, ids = now + lease_millis, ''
call('HSET', key_session, 'T', format('%s %d %d - 0 %s %s%s %d ', running, attempt + 1, ends, new_tag, from, string.match(rest, '^ %d+'), ends))
due(ends)
if expires_at + 0 < ends + LEASE_MARGIN_MILLIS then
  expires_at = ends + LEASE_MARGIN_MILLIS
  -- #include keep_keys
  -- #include repack
  call('HSET', key_session, 'p', state)
  packed = state
end
-- #include remember
return {packed, running}
