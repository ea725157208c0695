-- Replaces the state document and keeps it as a checkpoint; or saves an older checkpoint's again.
-- KEYS: @write, changes, state, checkpoints, record?
-- ARGV: @write, document ('' to restore), saved_version (of the checkpoint to restore, '' for the newest), saved_tag, most (checkpoints),
--   room (bytes of them), change
-- Returns: as append | {0, 'checkpoint-not-found'} | {0, 'turn-running', turn} when an older one would be restored
-- #include write
local key_changes, key_state, key_checkpoints = unpack(KEYS, 3, 5)
local document, saved_version, saved_tag, most, room, change = unpack(ARGV, 7, 12)
-- #include retry
-- #include session
if document == '' then
  if turn then return {0, 'turn-running', turn} end
  -- #include checkpoint
  document = found[2][6]
end
-- #include advance
local kept = tonumber(call('HGET', key_state, 'b') or 0) + #document
call('XADD', key_checkpoints, version .. '-0', 't', tag, 'z', stamp, 'b', document)
local kept_count = call('XLEN', key_checkpoints)
while kept_count > 1 and (kept_count > tonumber(most) or kept > tonumber(room)) do
  local oldest = call('XRANGE', key_checkpoints, '-', '+', 'COUNT', 1)[1]
  kept = kept - #oldest[2][6]
  call('XDEL', key_checkpoints, oldest[1])
  kept_count = kept_count - 1
end
call('HSET', key_state, 'd', document, 'v', version, 't', tag, 'z', stamp, 'b', format('%d', kept))
local frame = change
-- #include commit
call('PEXPIREAT', key_state, keys_until)
call('PEXPIREAT', key_checkpoints, keys_until)
return turn and {state, turn} or state
