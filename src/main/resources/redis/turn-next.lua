-- Starts the turn at the queue's head.
--
-- KEYS and ARGV: 1 to 8 as in part-turn-write; ARGV 9 most bytes a session may have, 10 lease in
--   milliseconds
-- Returns: {state, turn} | {2, …} a replay; {0, code, more…} as an append, or turn-running; {0,
--   'turn-not-found'} it is not the head
--
-- A refusal moves the session's due time: to when the running turn's lease ends, or a little away, so
-- that one that cannot start does not keep others from being found. So does the refusal of a full
-- Redis, which is looked for first.
-- #include part-turn-mine
-- #include part-retry
-- #include part-room
local T, Q = unpack(call('HMGET', KEYS[1], 'T', 'Q'))
local full = not T and Q and Q ~= '' and room()
-- #include part-pass
if not T then
  if Q and Q ~= '' then
    call('ZADD', KEYS[8], 'XX', format('%d', now + 1000), ARGV[4])
  else
    call('ZREM', KEYS[8], ARGV[4])
  end
end
if full then return full end
-- #include part-session
-- #include part-turn-write
-- #include part-turn-start
if T then
  local running, ends = string.match(T, '^(%S+) %d+ (%d+)')
  due(ends)
  return {0, 'turn-running', running}
end
local at = place(Q, ARGV[8])
if at ~= 1 then return {0, 'turn-not-found'} end
if string.byte(status) == 99 then return {0, 'session-complete'} end
local count, bytes, head = unpack(call('HMGET', KEYS[6], 'n', 'b', 'h'))
local function message(i)
  return unpack(call('HMGET', KEYS[6], format('i%d', i), format('d%d', i)))
end
local double = taken(count, message)
if double then return {0, 'message-exists', double} end
if b + bytes > ARGV[9] + 0 then return {0, 'session-too-large'} end

call('HSET', KEYS[1], 'Q', string.sub(Q, 18))
local version, state = start(ARGV[10], count, message, head)
for i = 1, count do
  call('HDEL', KEYS[6], format('i%d', i), format('d%d', i))
end
local keep = format('%d', call('HGET', KEYS[6], 'k') + 172800000)
call('PEXPIRE', KEYS[6], keep)
call('PEXPIRE', KEYS[7], keep)
remember(version, ARGV[1], '')
return {state, ARGV[7]}
