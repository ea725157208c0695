-- Looks for one message.
-- Reads: call, key_thread, key_ids
-- Defines: find (the entry of a message id and its place, or nil)
--
-- place is 'version-index' and mark its tag, for an id that Heddle gave; both '' for a client's.
local function find(place, mark, id)
  if place == '' then
    place = call('HGET', key_ids, id)
    if not place or not string.find(place, '^%d+%-%d') then return nil end
    mark = nil
  end
  local found = call('XRANGE', key_thread, place, place)[1]
  if found and mark and string.match(found[2][2], '^%S+') ~= mark then return nil end
  return found, place
end
