-- The session and a page of its thread, of one moment.
-- KEYS: @read
-- ARGV: @read, want (messages, one more than the page shows, 0 for none), from_end ('1' to take them from the end), after_place, after_tag,
--   after_id, before_place, before_tag, before_id (all '' for no bound), room (most bytes of bodies of a page; its first message comes
--   whatever its size)
-- Returns: {1, now, session, entries, 1 if there are more than these} | {0, code} | {0, 'invalid-cursor', 'after' or 'before'}
-- #include read
local want, from_end, after_place, after_tag, after_id, before_place, before_tag, before_id, room = unpack(ARGV, 4, 12)
if want == '0' then return {1, now, session, {}, 0} end
-- Where a message stood that went, if it is one of those that lib/forget notes.
local function noted(id)
  local written = tonumber(call('HGET', key_ids, '~')) or 0
  local slots = {}
  for i = written - 1, math.max(0, written - MAX_NOTES), -1 do slots[#slots + 1] = string.format('~%d', i % MAX_NOTES) end
  if #slots == 0 then return nil end
  for _, note in ipairs(call('HMGET', key_ids, unpack(slots))) do
    local place, name = string.match(note or '', '^(%S+) (.*)$')
    if name == id then return place end
  end
end

-- A cursor whose message is gone goes on from its place; one of another history is refused.
local function bound(place, mark, id, open)
  if id == '' then return open end
  if place == '' then
    place = call('HGET', key_ids, id) or noted(id)
    return place and string.find(place, '^%d+%-%d') and '(' .. place
  end
  if tonumber(string.match(place, '^%d+')) > tonumber(version) then return nil end
  local entry = call('XRANGE', key_thread, place, place)[1]
  if entry and string.match(entry[2][2], '^%S+') ~= mark then return nil end
  return '(' .. place
end
local from = bound(after_place, after_tag, after_id, '-')
if not from then return {0, 'invalid-cursor', 'after'} end
local to = bound(before_place, before_tag, before_id, '+')
if not to then return {0, 'invalid-cursor', 'before'} end
want, room = tonumber(want), tonumber(room)
local backward = from_end == '1'
local function read(number)
  if backward then return call('XREVRANGE', key_thread, to, from, 'COUNT', number) end
  return call('XRANGE', key_thread, from, to, 'COUNT', number)
end
if tonumber(bytes) <= room then
  -- The whole thread is no more than a page may be.
  local found = read(want)
  local more = #found == want
  if more then found[want] = nil end
  return {1, now, session, found, more and 1 or 0}
end
-- Few at a time: what is read is paid for, shown or not, and each next one may be as large as all of these.
local few = 4
local found, size = {}, 0
while true do
  local block = #found > 0 and size / #found * few < room and math.min(few, want - #found) or 1
  local entries = read(block)
  for i = 1, #entries do
    size = size + #entries[i][2][4]
    if #found > 0 and (#found + 1 == want or size > room) then return {1, now, session, found, 1} end
    found[#found + 1] = entries[i]
  end
  if #entries < block then return {1, now, session, found, 0} end
  if (backward and from == '-' or not backward and to == '+') and size / #found * (#found + 1) > room then
    -- The next one would be read only to be left out. There is one if more were appended beyond this one than were ever deleted.
    local seq = string.match(entries[block][2][2], '^%S+ (%d+)')
    local beyond = backward and seq - 1 or last_seq - seq
    if beyond == 0 then return {1, now, session, found, 0} end
    if beyond > last_seq - count then return {1, now, session, found, 1} end
  end
  local border = '(' .. entries[block][1]
  if backward then to = border else from = border end
end
