-- Looks for one checkpoint.
-- Reads: call, key_checkpoints, saved_version ('' for the newest), saved_tag
-- Leaves: found
local found
if saved_version == '' then
  found = call('XREVRANGE', key_checkpoints, '+', '-', 'COUNT', 1)[1]
else
  found = call('XRANGE', key_checkpoints, saved_version .. '-0', saved_version .. '-0')[1]
  if found and found[2][2] ~= saved_tag then found = nil end
end
if not found then return {0, 'checkpoint-not-found'} end
