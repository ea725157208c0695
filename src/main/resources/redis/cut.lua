-- Deletes one message, every message after one, or the whole thread.
--
-- KEYS: 1 session, 2 partition, 3 thread, 4 client ids, 5 changes, [6 copy of the thread, 7 copy of the
--   client ids], [record]
-- ARGV: 1 to 6 as in part-retry, 7 'one', 'after' or 'all', 8 place, 9 its tag, 10 message id,
--   11 change, 12 most messages and 13 most bytes that are deleted one by one, 14 what the copies are of,
--   as cut-copy says it, or '' without copies, 15 messages and 16 bytes of the copy
-- Returns: as in append | {0, 'message-not-found'} | {0, 'turn-running', turn} it would take away
--   what the running turn stands on
--   | {4, place, what a copy must be of} nothing is done: what stays must be copied first
--
-- Deleting takes as long as there are messages to delete. So where there are many, what stays is copied
-- by cut-copy in steps nobody sees, and here the copy takes the thread's place at once. What was appended
-- meanwhile is behind the cut, and whether anything before it was deleted shows in the counters.
-- #include part-retry
-- #include part-pass
-- #include part-session
-- #include part-announce
-- #include part-keep
-- #include part-entry
-- #include part-forget
-- The notes, as HSET takes them.
local function noted(ids)
  local fields, notes = {'~'}, {}
  for i = 0, 255 do fields[i + 2] = format('~%d', i) end
  for i, value in ipairs(call('HMGET', ids, unpack(fields))) do
    if value then
      notes[#notes + 1] = fields[i]
      notes[#notes + 1] = value
    end
  end
  return notes
end

-- Adds names and places of the messages after a place, but no more of the last ones than are noted, and
-- none before 256 KB of them.
local function newest(after, names, places)
  local found, to, bytes = {}, '+', 0
  while #found < 256 and bytes < 262144 do
    local entry = call('XREVRANGE', KEYS[3], to, '(' .. after, 'COUNT', 1)[1]
    if not entry then break end
    found[#found + 1], to, bytes = entry, '(' .. entry[1], bytes + #entry[2][4]
  end
  for i = #found, 1, -1 do
    local _, name = measure(found[i])
    if name ~= '' then names[#names + 1], places[#places + 1] = name, found[i][1] end
  end
end

local found, place
if ARGV[7] ~= 'all' then
  found, place = find(KEYS[3], KEYS[4], ARGV[8], ARGV[9], ARGV[10])
  if not found then return {0, 'message-not-found'} end
end
if turn and ARGV[7] ~= 'one' then
  -- Its input is what that version added, as far as it is still there.
  local version = string.match(call('HGET', KEYS[1], 'T'), ' (%d+) %d+ %d+ $')
  local after = place and string.match(place, '^%d+') + 0
  local from = after == version + 0 and '(' .. place or version
  if not place or after <= version + 0 and #call('XRANGE', KEYS[3], from, version, 'COUNT', 1) > 0 then
    return {0, 'turn-running', turn}
  end
end
local ids, bytes, names, places = {}, 0, {}, {}
if ARGV[7] == 'after' then
  local source = string.match(tail, '^ %d+ %S+ %d+ (%d+)') .. format(' %d', q - c)
  if ARGV[14] == '' then
    local most, room, from = tonumber(ARGV[12]), tonumber(ARGV[13]), '(' .. place
    -- One by one where a block could be too much.
    local block = b + 0 > room and 1 or most + 1
    repeat
      local entries = call('XRANGE', KEYS[3], from, '+', 'COUNT', block)
      for i = 1, #entries do
        local size, name = measure(entries[i])
        ids[#ids + 1], bytes = entries[i][1], bytes + size
        if name ~= '' then names[#names + 1], places[#places + 1] = name, entries[i][1] end
      end
      if #ids > most or bytes > room then return {4, place, source} end
      if #entries > 0 then from = '(' .. ids[#ids] end
    until #entries < block
  elseif ARGV[14] ~= source or call('XLEN', KEYS[6]) ~= ARGV[15] + 0 or call('EXISTS', KEYS[7]) == 0 then
    return {4, place, source}
  end
end
if ARGV[7] == 'all' or ARGV[14] ~= '' then
-- #include part-moving
end
v = v + 1
e = now + l * 1000
if e < least then e = least end
if ARGV[7] == 'one' then
  call('XDEL', KEYS[3], place)
  local bytes, name = measure(found)
  c, b = c - 1, b - bytes
  if name ~= '' then forget({name}, {place}) end
elseif ARGV[7] == 'all' then
  -- Not trimmed, which takes as long as the thread is. Made again, because an append declares these keys
  -- and must find them while a slot moves.
  call('UNLINK', KEYS[3], KEYS[4])
  call('XADD', KEYS[3], '0-1', '~', '')
  call('XDEL', KEYS[3], '0-1')
  call('HSET', KEYS[4], '~', '')
  c, b = 0, 0
elseif ARGV[14] == '' then
  if #ids > 0 then call('XDEL', KEYS[3], unpack(ids)) end
  c, b = c - #ids, b - bytes
  forget(names, places)
else
  local notes = noted(KEYS[4])
  newest(place, names, places)
  call('UNLINK', KEYS[3], KEYS[4])
  call('RENAME', KEYS[6], KEYS[3])
  call('RENAME', KEYS[7], KEYS[4])
  if #notes > 0 then call('HSET', KEYS[4], unpack(notes)) end
  forget(names, places)
  c, b = ARGV[15], ARGV[16]
end
if ARGV[7] == 'all' or ARGV[14] ~= '' then
  local k = string.match(tail, '^ %d+ %S+ (%d+)')
  call('PEXPIREAT', KEYS[3], k)
  call('PEXPIREAT', KEYS[4], k)
end
b = remaining(c, b)
local line = format('%d %s %d %d %d %d', v, q, c, b, e, now)
local state = ARGV[1] .. ' ' .. line .. tail
call('HSET', KEYS[1], 'p', state)
state = lasting(state)
call('XADD', KEYS[5], 'MAXLEN', 256, format('%d-0', v), 't', ARGV[1], 'z', format('%d', now), 'c', ARGV[11])
announce(t, line, ARGV[11])
return turn and {state, turn} or state
