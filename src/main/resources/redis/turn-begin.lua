-- Starts a turn, or puts it into the queue, or refuses it.
--
-- KEYS and ARGV: 1 to 8 as in part-turn-write; ARGV 9 most bytes a session may have, 10 bytes of all
--   bodies and client ids, 11 model or '', 12 request, 13 lease and 14 keep in milliseconds, 15 when another one runs
--   or waits: 'e' (wait at the end), 'x' (refuse), 'k' or 'r' (cancel it so, wait at the head), 16 turns
--   that may wait, 17 how the change 'turn.queued' begins, up to its queuePosition, 18 head of the
--   change 'turn.started', 19 live channel, then for each message: client id or '', body
-- Returns: {state, the running turn or ''} | {2, 'version-tag turn'} a replay; {0, code, more…} as an
--   append, or turn-running, turn-queue-full; turn-not-found when its id is not of this session
-- #include part-turn-mine
-- #include part-retry
-- #include part-turn-again
-- #include part-session
-- #include part-turn-write
-- #include part-turn-start
if ARGV[8] == '' then return {0, 'turn-not-found'} end
if string.byte(status) == 99 then return {0, 'session-complete'} end
local count = (#ARGV - 19) / 2
local function message(i)
  return ARGV[18 + 2 * i], ARGV[19 + 2 * i]
end
local double = taken(count, message)
if double then return {0, 'message-exists', double} end
if b + ARGV[10] > ARGV[9] + 0 then return {0, 'session-too-large'} end
local T, Q = unpack(call('HMGET', KEYS[1], 'T', 'Q'))
local running, lead, cancel, rest = string.match(T or '', '^(%S+)( %d+ %d+ )(%S)(.*)$')
local waiting = #(Q or '') / 17
local busy = running or waiting > 0
if busy then
  if ARGV[15] == 'x' then return {0, 'turn-running', running} end
  if waiting >= ARGV[16] + 0 then return {0, 'turn-queue-full'} end
end

local version, stamp = format('%d', v + 1), format('%d', now)
local made = string.match(tail, '^ %d+ %S+ %d+ (%d+)')
-- First what a full Redis refuses, and what changes nothing: an UNLINK before it would let all that
-- follows pass.
call('HSETNX', KEYS[1], 'p', '')
-- Of an earlier session of this id, if anything.
call('UNLINK', KEYS[6], KEYS[7])
call('HSET', KEYS[6], 'u', made, 'f', version .. '-' .. ARGV[1], 'c', stamp, 'm', ARGV[11], 'k', ARGV[14], 'q', ARGV[12], 'h', ARGV[18], 'n', count, 'b', ARGV[10])
-- So that a flush finds every key it declares while a Cluster slot moves.
call('XADD', KEYS[7], '0-1', '~', '')
call('XDEL', KEYS[7], '0-1')
-- Only rubbish collection: the end sets the true one.
local forever = format('%d', ARGV[14] + 172800000)
call('PEXPIRE', KEYS[6], forever)
call('PEXPIRE', KEYS[7], forever)
if not busy then
  local _, state = start(ARGV[13], count, message, ARGV[18])
  remember(version, ARGV[1], ' ' .. ARGV[7])
  return {state, ARGV[7]}
end
for i = 1, count do
  local id, text = message(i)
  call('HSET', KEYS[6], format('i%d', i), id, format('d%d', i), text)
end
local queue, position = (Q or '') .. ARGV[8] .. ' ', waiting + 1
if ARGV[15] ~= 'e' then
  queue, position = ARGV[8] .. ' ' .. (Q or ''), 1
  if running then
    if cancel ~= 'r' then call('HSET', KEYS[1], 'T', running .. lead .. ARGV[15] .. rest) end
    call(ARGV[6], ARGV[19], '{"turn":"' .. running .. '","cancel":true}')
  end
end
call('HSET', KEYS[1], 'Q', queue)
if not running then due(now) end
e = now + l * 1000
if e < least then e = least end
local head = ARGV[17] .. format('%d}', position)
local state = tell(version, stamp, head)
call('HSET', KEYS[6], 'w', state)
remember(version, ARGV[1], ' ' .. ARGV[7])
return {state, running or ''}
