-- Appends one message entry. Also adds its id to the ids of the idempotency record, unless ids is nil or false.
-- Reads: call, key_thread, key_ids, entry, tag, last_seq, stamp, id, text, ids
call('XADD', key_thread, entry, 'h', tag .. ' ' .. last_seq .. ' ' .. stamp .. ' ' .. id, 'b', text)
if id ~= '' then call('HSET', key_ids, id, entry) end
if ids then ids = ids .. (id == '' and ' -' or id == '-' and ' ~-' or ' ' .. id) end
