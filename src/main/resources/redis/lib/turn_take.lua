-- Refuses a turn's input that cannot be added.
-- Reads: call, key_ids, key_thread, status, bytes, given (messages), message (their ids and bodies), added_bytes, max_bytes
if string.byte(status) == 99 then return {0, 'session-complete'} end
for i = 1, given do
  local id = message(i)
  local at = id ~= '' and call('HGET', key_ids, id)
  if at and #call('XRANGE', key_thread, at, at) > 0 then return {0, 'message-exists', id} end
end
if bytes + added_bytes > max_bytes + 0 then return {0, 'session-too-large'} end
