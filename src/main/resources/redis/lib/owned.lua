-- Is the session there, and the owner's?
-- Reads: packed, gone and former (a tombstone's reason and owner), owner
-- Leaves: what parse leaves
if not packed then
  if not gone or (owner ~= '' and owner ~= former) then return {0, 'session-not-found'} end
  return {0, 'session-' .. gone}
end
-- #include parse
if owner ~= '' and owner ~= user then return {0, 'session-not-found'} end
