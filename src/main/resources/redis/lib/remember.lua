-- Keeps the idempotency record of a write that is done.
-- Reads: call, key_record, body, version, tag, ids
if key_record then call('SET', key_record, 'D ' .. body .. ' ' .. version .. '-' .. tag .. ids, 'PX', RECORD_MILLIS) end
