-- Moves the session's due time to the truth.
-- Reads: call, due, key_turns_due, path, running, lease, waiting
if running then
  due(lease)
elseif not waiting or waiting == '' then
  call('ZREM', key_turns_due, path)
end
