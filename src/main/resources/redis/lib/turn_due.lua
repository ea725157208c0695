-- Moves the session's due time to when it is really due.
-- Reads: call, set_due, key_turns_due, path, running, lease, waiting
if running then
  set_due(lease)
elseif not waiting or waiting == '' then
  call('ZREM', key_turns_due, path)
end
