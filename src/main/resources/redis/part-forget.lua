-- Part of what takes messages out of a thread: the ids that clients gave them go too. Those of the 256 that
-- went last are noted with the places where their messages stood, so that a cursor goes on from there.
--
-- KEYS: 3 thread, 4 client ids
--
-- The notes are fields of the client ids: '~0' to '~255', each 'place id' and written over in turn, and '~'
-- how many were ever written. A client's id has no '~'.

-- What counts of an entry against the session's size, and the client's id, or ''.
local function measure(entry)
  local name = string.match(entry[2][2], '^%S+ %d+ %d+ (.*)$')
  return #entry[2][4] + #name, name
end

-- Names and places of messages that were removed, in their order.
local function forget(names, places)
  if #names == 0 then return end
  for i = 1, #names, 500 do call('HDEL', KEYS[4], unpack(names, i, math.min(i + 499, #names))) end
  local count, notes = tonumber(call('HGET', KEYS[4], '~')) or 0, {}
  for i = math.max(1, #names - 255), #names do
    notes[#notes + 1] = format('~%d', count % 256)
    notes[#notes + 1] = places[i] .. ' ' .. names[i]
    count = count + 1
  end
  call('HSET', KEYS[4], '~', format('%d', count), unpack(notes))
end

-- The bytes that are left. An earlier Heddle did not count clients' ids, so what is taken away may be more
-- than what was added.
local function remaining(count, bytes)
  return count == 0 and 0 or math.max(0, bytes)
end
