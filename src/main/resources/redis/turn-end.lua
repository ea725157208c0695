-- Ends a turn that has started: adds its output, removes of its input, frees the session.
--
-- KEYS and ARGV: 1 to 8 as in part-turn-write; ARGV 9 attempt, 10 status, 11 end, 12 head of the
--   change up to the removed messages, 13 after them, 14 '1' if the owner is taken for dead, 15 how many
--   messages are removed, then for each of them: place, tag, id, id as JSON; then for each message of
--   the output: client id or '', body
-- Returns: state | {2, 'version-tag id …'} it has ended so before, in this attempt | {0, code}: turn-ended,
--   turn-running when its owner is taken for dead before the lease has ended, or when a rollback was
--   asked for and this is none: cancelled, nothing said, the input taken back
-- A refusal moves the session's due time to the truth.
--
-- A full Redis refuses an end that adds output or more than 2 KiB of other text; a shorter one it must
-- take, because a turn that cannot end keeps its session busy for ever.
-- #include part-turn-mine
-- #include part-retry
-- #include part-entry
-- #include part-room
local known = call('HMGET', KEYS[6], 'u', 'a', 'o', 's', 'j')
-- #include part-turn-alive
-- #include part-turn-write
-- #include part-forget
local first = 16 + 4 * ARGV[15]
local full = (first <= #ARGV or #ARGV[11] + #ARGV[12] + #ARGV[13] > 2048) and room()
-- #include part-pass
if running ~= ARGV[7] or attempt ~= ARGV[9] then
  if running then
    due(lease)
  elseif not waiting or waiting == '' then
    call('ZREM', KEYS[8], ARGV[4])
  end
  if known[3] and known[2] == ARGV[9] and known[4] == ARGV[10] and known[5] == ARGV[11] and known[1] == string.match(tail, '^ %d+ %S+ %d+ (%d+)') then
    return {2, known[3]}
  end
  return {0, 'turn-ended'}
end
if ARGV[14] == '1' and now < lease + 0 then
  due(lease)
  return {0, 'turn-running', running}
end
local back = ARGV[10] == 'cancelled' and first > #ARGV and (ARGV[15] ~= '0' or string.find(rest, '^ 0 '))
if cancel == 'r' and not back then return {0, 'turn-running', running} end
if full then return full end

local version, stamp = format('%d', v + 1), format('%d', now)
local removed, names, places = {}, {}, {}
for i = 16, first - 1, 4 do
  local found, at = find(KEYS[3], KEYS[4], ARGV[i], ARGV[i + 1], ARGV[i + 2])
  if found and string.match(at, '^%d+') == from then
    call('XDEL', KEYS[3], at)
    local bytes, name = measure(found)
    c, b = c - 1, b - bytes
    if name ~= '' then names[#names + 1], places[#places + 1] = name, at end
    removed[#removed + 1] = ARGV[i + 3]
  end
end
forget(names, places)
b = remaining(c, b)
local output = (#ARGV - first + 1) / 2
local ids, sizes, said = say(version, stamp, output, function(i)
  local id, text = ARGV[first + 2 * i - 2], ARGV[first + 2 * i - 1]
  -- An answer that was paid for is kept: a taken id is no reason to refuse it.
  if id ~= '' and find(KEYS[3], KEYS[4], '', '', id) then id = '' end
  return id, text
end)
e = now + l * 1000
if e < least then e = least end
call('HDEL', KEYS[1], 'T')
tail = string.gsub(tail, '^( %d+ %a)%+', '%1')
if waiting and waiting ~= '' then due(now) else call('ZREM', KEYS[8], ARGV[4]) end
local head = ARGV[12] .. table.concat(removed, ',') .. ARGV[13]
local state = tell(version, stamp, head, output, sizes, said)
call('HSET', KEYS[6], 'w', state, 's', ARGV[10], 'a', attempt, 'e', stamp, 'j', ARGV[11], 'o', version .. '-' .. ARGV[1] .. ids)
leave(ended)
remember(version, ARGV[1], ids)
return state
