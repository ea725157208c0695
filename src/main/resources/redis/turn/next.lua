-- Starts the turn at the queue's head.
-- KEYS: @turn
-- ARGV: @turn, max_bytes (of a session), lease_millis
-- Returns: {state, turn} | {2, …} a replay | {0, code, more…} as an append, or turn-running; {0, 'turn-not-found'} it is not the head
--
-- A refusal moves the session's due time: to when the running turn's lease ends, or a little away, so that one that cannot start does not
-- keep others from being found. So does the refusal of a full Redis, which is looked for first.
-- #include write
-- #include turn
local max_bytes, lease_millis = unpack(ARGV, 9, 10)
-- #include turn_mine
-- #include retry
-- #include room
local lease_text, queue = unpack(call('HMGET', key_session, 'T', 'Q'))
local full = not lease_text and queue and queue ~= '' and room()
-- #include pass
if not lease_text then
  if queue and queue ~= '' then
    call('ZADD', key_turns_due, 'XX', format('%d', now + 1000), path)
  else
    call('ZREM', key_turns_due, path)
  end
end
if full then return full end
-- #include session
-- #include turn_write
if lease_text then
  local running, lease = string.match(lease_text, '^(%S+) %d+ (%d+)')
  due(lease)
  return {0, 'turn-running', running}
end
if place(queue) ~= 1 then return {0, 'turn-not-found'} end
local given, added_bytes, head = unpack(call('HMGET', key_turn, 'n', 'b', 'h'))
local function message(i)
  return unpack(call('HMGET', key_turn, format('i%d', i), format('d%d', i)))
end
-- #include turn_take
call('HSET', key_session, 'Q', string.sub(queue, PART_WIDTH + 1))
-- #include turn_start
for i = 1, given do
  call('HDEL', key_turn, format('i%d', i), format('d%d', i))
end
local kept = format('%d', call('HGET', key_turn, 'k') + KEYS_MORE_MILLIS)
call('PEXPIRE', key_turn, kept)
call('PEXPIRE', key_log, kept)
local ids = ''
-- #include remember
return {state, turn_id}
