-- Adds one message, and its id to those that a record names, if ids is text.
-- Reads: call, key_thread, key_ids, entry, tag, last_seq, stamp, id, text, ids
call('XADD', key_thread, entry, 'h', tag .. ' ' .. last_seq .. ' ' .. stamp .. ' ' .. id, 'b', text)
if id ~= '' then call('HSET', key_ids, id, entry) end
if ids then ids = ids .. (id == '' and ' -' or id == '-' and ' ~-' or ' ' .. id) end
