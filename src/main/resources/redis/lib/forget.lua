-- For what takes messages out of a thread: the ids that clients gave them go too. Those of the 256 that went last are noted with the
-- places where their messages stood, so that a cursor goes on from there.
-- Reads: call, format, key_ids
-- Leaves: names, places (of messages that are removed, in their order)
-- Defines: gather (an entry to be removed: notes it, and tells what it counts against the session's size),
--   forget (the gathered ones), remaining (the bytes that are left)
--
-- The notes are fields of the client ids: '~0' to '~255', each 'place id' and written over in turn, and '~' how many were ever
-- written. A client's id has no '~'.
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

-- An earlier Heddle did not count clients' ids, so what is taken away may be more than what was added.
local function remaining(left, size)
  return left == 0 and 0 or math.max(0, size)
end
