-- Part of what looks for one message: the entry of a message id, or nil.
-- place is 'version-index' and mark its tag, for an id that Heddle gave; both '' for a client's.
local function find(thread, ids, place, mark, id)
  if place == '' then
    place = redis.call('HGET', ids, id)
    if not place or not string.find(place, '^%d+%-%d') then return nil end
    mark = nil
  end
  local found = redis.call('XRANGE', thread, place, place)[1]
  if found and mark and string.match(found[2][2], '^%S+') ~= mark then return nil end
  return found, place
end
