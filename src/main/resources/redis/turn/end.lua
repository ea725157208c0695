-- Ends a turn that has started: adds its output, removes of its input, frees the session.
-- KEYS: @turn
-- ARGV: @turn, whose (attempt it is), end_status, ending, head (of the change, up to the removed messages), head_rest (after them), reaped
--   ('1' if the owner is taken for dead), removals (how many messages are removed), [place, mark (its tag), id, json (the id)]*, [id, body]*
-- Returns: state | {2, 'version-tag id …'} it has ended so before, in this attempt | {0, code}: turn-ended, turn-running when its owner is
--   taken for dead before the lease has ended, or when a rollback was asked for and this is none: cancelled, nothing said, the input taken
--   back
--
-- A refusal moves the session's due time to the truth. A full Redis refuses an end that adds output or more than 2 KiB of other text; a
-- shorter one it must take, because a turn that cannot end keeps its session busy for ever.
-- #include write
-- #include turn
local whose, end_status, ending, head, head_rest, reaped, removals = unpack(ARGV, 9, 15)
-- #include turn_mine
-- #include retry
-- #include entry
-- #include room
local ended = call('HMGET', key_turn, 'u', 'a', 's', 'j', 'o')
-- #include turn_alive
-- #include turn_write
-- #include forget
local first = 16 + 4 * removals
local full = (first <= #ARGV or #ending + #head + #head_rest > 2048) and room()
-- #include pass
if running ~= turn_id or attempt ~= whose then
  -- #include turn_due
  if ended[5] and ended[1] == created_at and ended[2] == whose and ended[3] == end_status and ended[4] == ending then
    return {2, ended[5]}
  end
  return {0, 'turn-ended'}
end
if reaped == '1' and now < lease + 0 then
  due(lease)
  return {0, 'turn-running', running}
end
local back = end_status == 'cancelled' and first > #ARGV and (removals ~= '0' or string.find(rest, '^ 0 '))
if cancel == 'r' and not back then return {0, 'turn-running', running} end
if full then return full end

-- #include advance
local removed = {}
for i = 16, first - 1, 4 do
  local found, at = find(ARGV[i], ARGV[i + 1], ARGV[i + 2])
  if found and string.match(at, '^%d+') == from then
    call('XDEL', key_thread, at)
    count, bytes = count - 1, bytes - gather(found)
    removed[#removed + 1] = ARGV[i + 3]
  end
end
forget()
bytes = remaining(count, bytes)
local output = (#ARGV - first + 1) / 2
local ids, sizes, said = say(output, function(i)
  local id, text = ARGV[first + 2 * i - 2], ARGV[first + 2 * i - 1]
  -- An answer that was paid for is kept: a taken id is no reason to refuse it.
  if id ~= '' and find('', '', id) then id = '' end
  return id, text
end)
call('HDEL', key_session, 'T')
status = string.gsub(status, '^(%a)%+', '%1')
if waiting and waiting ~= '' then due(now) else call('ZREM', key_turns_due, path) end
local state = tell(head .. table.concat(removed, ',') .. head_rest, output, sizes, said)
call('HSET', key_turn, 'w', state, 's', end_status, 'a', attempt, 'e', stamp, 'j', ending, 'o', version .. '-' .. tag .. ids)
leave(over)
-- #include remember
return state
