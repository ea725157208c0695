-- The idempotency record of a client's lock, looked at before all else.
-- Reads: call, format, key_record, body
-- Defines: keep (notes what was done)
-- Returns: {2, token, fence, until, 0, label} a replay | {0, 'key-reused'}
--
-- Record: 'L <body> <token> <fence> <until> <label>', which idempotency/find takes for one in progress: only the lock's own calls come
-- with its key.
if key_record then
  local record = call('GET', key_record)
  if record then
    local known, token, fence, ends, label = string.match(record, '^L (%S+) (%S+) (%d+) (%d+) (.*)$')
    if known ~= body then return {0, 'key-reused'} end
    return {2, token, fence, ends, 0, label}
  end
end
local function keep(token, fence, ends, label)
  if key_record then
    call('SET', key_record, format('L %s %s %d %d %s', body, token, fence, ends, label), 'PX', RECORD_MILLIS)
  end
end
