-- Checks that the session exists and belongs to the owner, and parses its state.
-- Reads: call, key_session, packed, owner
-- Leaves: what parse leaves
if not packed then
  local gone, former = unpack(call('HMGET', key_session, 'g', 'u'))
  if not gone or (owner ~= '' and owner ~= former) then return {0, 'session-not-found'} end
  return {0, 'session-' .. gone}
end
-- #include parse
if owner ~= '' and owner ~= string.match(packed, '^%d+ %d+ %S+ %d+ %d+ (.*)$', updated_place) then return {0, 'session-not-found'} end
