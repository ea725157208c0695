-- The session and a page of its thread, of one moment.
--
-- KEYS: as in part-read
-- ARGV: 1 to 3 as in part-read, 4 messages wanted, one more than the page shows (0 for none),
--   5 '1' to take them from the end, then for after and for before: place, tag, id; all '' for no bound;
--   12 most bytes of bodies of a page; its first message comes whatever its size
-- Returns: {1, now, session, entries, 1 if there are more than these} | {0, code}
--   | {0, 'invalid-cursor', 'after' or 'before'}
-- #include part-read
if ARGV[4] == '0' then return {1, now, s, {}, 0} end
-- Where a message stood that went, if it is one of those that part-forget notes.
local function noted(id)
  local count = tonumber(redis.call('HGET', KEYS[3], '~')) or 0
  local slots = {}
  for i = count - 1, math.max(0, count - 256), -1 do slots[#slots + 1] = string.format('~%d', i % 256) end
  if #slots == 0 then return nil end
  for _, note in ipairs(redis.call('HMGET', KEYS[3], unpack(slots))) do
    local place, name = string.match(note or '', '^(%S+) (.*)$')
    if name == id then return place end
  end
end

-- A cursor whose message is gone goes on from its place; one of another history is refused.
local function bound(at, name, open)
  local place, tag, id = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if id == '' then return open end
  if place == '' then
    place = redis.call('HGET', KEYS[3], id) or noted(id)
    return place and string.find(place, '^%d+%-%d') and '(' .. place
  end
  if tonumber(string.match(place, '^%d+')) > tonumber(v) then return nil end
  local entry = redis.call('XRANGE', KEYS[2], place, place)[1]
  if entry and string.match(entry[2][2], '^%S+') ~= tag then return nil end
  return '(' .. place
end
local from = bound(6, 'after', '-')
if not from then return {0, 'invalid-cursor', 'after'} end
local to = bound(9, 'before', '+')
if not to then return {0, 'invalid-cursor', 'before'} end
local want, room = tonumber(ARGV[4]), tonumber(ARGV[12])
local backward = ARGV[5] == '1'
local function read(count)
  if backward then return redis.call('XREVRANGE', KEYS[2], to, from, 'COUNT', count) end
  return redis.call('XRANGE', KEYS[2], from, to, 'COUNT', count)
end
local last, count, sum = string.match(s[1], '^%S+ %d+ (%d+) (%d+) (%d+)')
if tonumber(sum) <= room then
  -- The whole thread is no more than a page may be.
  local found = read(want)
  local more = #found == want
  if more then found[want] = nil end
  return {1, now, s, found, more and 1 or 0}
end
-- Few at a time: what is read is paid for, shown or not, and each next one may be as large as all of these.
local few = 4
local found, bytes = {}, 0
while true do
  local block = #found > 0 and bytes / #found * few < room and math.min(few, want - #found) or 1
  local entries = read(block)
  for i = 1, #entries do
    bytes = bytes + #entries[i][2][4]
    if #found > 0 and (#found + 1 == want or bytes > room) then return {1, now, s, found, 1} end
    found[#found + 1] = entries[i]
  end
  if #entries < block then return {1, now, s, found, 0} end
  if (backward and from == '-' or not backward and to == '+') and bytes / #found * (#found + 1) > room then
    -- The next one would be read only to be left out. There is one if more were appended beyond this one
    -- than were ever deleted.
    local seq = string.match(entries[block][2][2], '^%S+ (%d+)')
    local beyond = backward and seq - 1 or last - seq
    if beyond == 0 then return {1, now, s, found, 0} end
    if beyond > last - count then return {1, now, s, found, 1} end
  end
  local border = '(' .. entries[block][1]
  if backward then to = border else from = border end
end
