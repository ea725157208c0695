-- Deletes one message, every message after one, or the whole thread.
-- KEYS: @write, thread, ids, changes, thread_copy?, ids_copy?, record?
-- ARGV: @write, what ('one', 'after' or 'all'), place, mark (its tag), id, change, most (messages) and room (bytes), that are deleted one by
--   one, source (what the copies are of, as copy says it, or '' without copies), copy_count, copy_bytes
-- Returns: as append | {0, 'message-not-found'} | {0, 'turn-running', turn} it would take away what the running turn stands on
--   | {4, place, source} nothing is done: what stays must be copied first
--
-- Deleting takes as long as there are messages to delete. So where there are many, what stays is copied by copy in steps nobody sees, and
-- here the copy takes the thread's place at once. What was appended meanwhile is behind the cut, and whether anything before it was deleted
-- shows in the counters.
-- #include write
local key_thread, key_ids, key_changes, key_thread_copy, key_ids_copy = unpack(KEYS, 3, 7)
local what, place, mark, id, change, most, room, source, copy_count, copy_bytes = unpack(ARGV, 7, 16)
-- #include retry
-- #include pass
-- #include session
-- #include entry
-- #include forget
-- The notes, as HSET takes them.
local function noted()
  local fields, notes = {'~'}, {}
  for i = 0, MAX_NOTES - 1 do fields[i + 2] = format('~%d', i) end
  for i, value in ipairs(call('HMGET', key_ids, unpack(fields))) do
    if value then
      notes[#notes + 1] = fields[i]
      notes[#notes + 1] = value
    end
  end
  return notes
end

-- Gathers the messages after a place, but no more of the last ones than are noted, and none before 256 KB of them.
local function newest(after)
  local found, to, size = {}, '+', 0
  while #found < MAX_NOTES and size < 262144 do
    local entry = call('XREVRANGE', key_thread, to, '(' .. after, 'COUNT', 1)[1]
    if not entry then break end
    found[#found + 1], to, size = entry, '(' .. entry[1], size + #entry[2][4]
  end
  for i = #found, 1, -1 do gather(found[i]) end
end

local found
if what ~= 'all' then
  found, place = find(place, mark, id)
  if not found then return {0, 'message-not-found'} end
end
if turn and what ~= 'one' then
  -- Its input is what that version added, as far as it is still there.
  local input = string.match(call('HGET', key_session, 'T'), ' (%d+) %d+ %d+ $')
  local after = what == 'after' and string.match(place, '^%d+') + 0
  local from = after == input + 0 and '(' .. place or input
  if not after or after <= input + 0 and #call('XRANGE', key_thread, from, input, 'COUNT', 1) > 0 then
    return {0, 'turn-running', turn}
  end
end
local removed, removed_bytes = {}, 0
if what == 'after' then
  local its = created_at .. format(' %d', last_seq - count)
  if source == '' then
    most, room = tonumber(most), tonumber(room)
    -- One by one where a block could be too much.
    local from, block = '(' .. place, bytes + 0 > room and 1 or most + 1
    repeat
      local entries = call('XRANGE', key_thread, from, '+', 'COUNT', block)
      for i = 1, #entries do
        removed[#removed + 1], removed_bytes = entries[i][1], removed_bytes + gather(entries[i])
      end
      if #removed > most or removed_bytes > room then return {4, place, its} end
      if #entries > 0 then from = '(' .. removed[#removed] end
    until #entries < block
  elseif source ~= its or call('XLEN', key_thread_copy) ~= copy_count + 0 or call('EXISTS', key_ids_copy) == 0 then
    return {4, place, its}
  end
end
local anew = what == 'all' or source ~= ''
if anew then
  -- #include moving
end
-- #include advance
if what == 'one' then
  call('XDEL', key_thread, place)
  count, bytes = count - 1, bytes - gather(found)
elseif what == 'all' then
  -- Not trimmed, which takes as long as the thread is. Made again, because an append declares these keys and must find them while a slot
  -- moves.
  call('UNLINK', key_thread, key_ids)
  call('XADD', key_thread, '0-1', '~', '')
  call('XDEL', key_thread, '0-1')
  call('HSET', key_ids, '~', '')
  count, bytes = 0, 0
elseif source == '' then
  if #removed > 0 then call('XDEL', key_thread, unpack(removed)) end
  count, bytes = count - #removed, bytes - removed_bytes
else
  local notes = noted()
  newest(place)
  call('UNLINK', key_thread, key_ids)
  call('RENAME', key_thread_copy, key_thread)
  call('RENAME', key_ids_copy, key_ids)
  if #notes > 0 then call('HSET', key_ids, unpack(notes)) end
  count, bytes = copy_count, copy_bytes
end
forget()
if anew then
  call('PEXPIREAT', key_thread, keys_until)
  call('PEXPIREAT', key_ids, keys_until)
end
bytes = remaining(count, bytes)
local frame = change
-- #include commit
return turn and {state, turn} or state
