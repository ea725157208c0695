-- Removes the client ids of messages that leave the thread. The last 256 removed ids are noted with their places, so that a cursor
-- at a removed message still works.
-- Reads: call, format, key_ids
-- Leaves: names, places (of messages that are removed, in their order)
-- Defines: gather (collects an entry to remove; returns its share of the session's size),
--   forget (removes the collected ids), remaining (the bytes that are left)
--
-- Notes are fields of the client ids: '~0' to '~255', each 'place id', written in turn like a ring; '~' counts the notes ever written.
-- A client's id never contains '~'.
local names, places = {}, {}

local function gather(entry)
  local name = string.match(entry[2][2], '^%S+ %d+ %d+ (.*)$')
  if name ~= '' then names[#names + 1], places[#places + 1] = name, entry[1] end
  return #entry[2][4] + #name
end

local function forget()
  if #names == 0 then return end
  for i = 1, #names, UNPACK_MOST do call('HDEL', key_ids, unpack(names, i, math.min(i + UNPACK_MOST - 1, #names))) end
  local written, notes = tonumber(call('HGET', key_ids, '~')) or 0, {}
  for i = math.max(1, #names - MAX_NOTES + 1), #names do
    notes[#notes + 1] = format('~%d', written % MAX_NOTES)
    notes[#notes + 1] = places[i] .. ' ' .. names[i]
    written = written + 1
  end
  call('HSET', key_ids, '~', format('%d', written), unpack(notes))
end

-- Earlier versions did not count client ids, so the removed size may exceed the counted one.
local function remaining(left, size)
  return left == 0 and 0 or math.max(0, size)
end
