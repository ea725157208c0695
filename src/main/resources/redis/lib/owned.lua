-- Is the session there, and the owner's?
-- Reads: call, key_session, packed, owner
-- Leaves: what parse leaves
if not packed then
  local gone, former = unpack(call('HMGET', key_session, 'g', 'u'))
  if not gone or (owner ~= '' and owner ~= former) then return {0, 'session-not-found'} end
  return {0, 'session-' .. gone}
end
-- #include parse
if owner ~= '' and owner ~= user then return {0, 'session-not-found'} end
