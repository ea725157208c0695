-- Starts a turn, or puts it into the queue, or refuses it.
-- KEYS: @turn
-- ARGV: @turn, max_bytes (of a session), added_bytes (of all bodies and client ids), model (or ''), request, lease_millis, keep_millis,
--   on_busy (when another one runs or waits: 'e' wait at the end, 'x' refuse, 'k' or 'r' cancel it so, wait at the head), max_queue (turns
--   that may wait), queued (how the change 'turn.queued' begins, up to its queuePosition), head (of the change 'turn.started'),
--   live_channel, [id, body]*
-- Returns: {state, the running turn or ''} | {2, 'version-tag turn'} a replay
--   | {0, code, more…} as an append, or turn-running, turn-queue-full; turn-not-found when its id is not of this session
-- #include write
-- #include turn
local max_bytes, added_bytes, model, request, lease_millis, keep_millis, on_busy, max_queue, queued, head, live_channel = unpack(ARGV, 9, 19)
-- #include turn_mine
-- #include retry
-- A turn begins only once, whatever became of it or its session since.
local taken_at, taken_for = unpack(call('HMGET', key_turn, 'f', 'u'))
local packed = taken_at and call('HGET', key_session, 'p')
if packed then
  -- #include parse
  -- #include parse_rest
  local asked = string.match(terms, '^[^\n]*\n[^\n]*\n(.+)$')
  if created_at == taken_for and now < expires_at + 0 and (not asked or asked == user) then
    return {2, taken_at .. ' ' .. turn_id}
  end
end
-- #include session
if part == '' then return {0, 'turn-not-found'} end
local given = (#ARGV - 19) / 2
local function message(i)
  return ARGV[18 + 2 * i], ARGV[19 + 2 * i]
end
-- #include turn_take
local lease_text, queue = unpack(call('HMGET', key_session, 'T', 'Q'))
local running, lead, cancel, rest = string.match(lease_text or '', '^(%S+)( %d+ %d+ )(%S)(.*)$')
local waiting = #(queue or '') / PART_WIDTH
local busy = running or waiting > 0
if busy then
  if on_busy == 'x' then return {0, 'turn-running', running} end
  if waiting >= max_queue + 0 then return {0, 'turn-queue-full'} end
end

-- #include turn_write
local ids = ' ' .. turn_id
-- A first write that changes nothing and that a full Redis refuses: after an UNLINK it would let all that follows pass.
call('HSETNX', key_session, 'p', '')
-- Only an earlier session of this id can have left these.
call('UNLINK', key_turn, key_log)
call('HSET', key_turn, 'u', created_at, 'f', format('%d', version + 1) .. '-' .. new_tag, 'c', stamp, 'm', model, 'k', keep_millis, 'q', request,
  'h', head, 'n', given, 'b', added_bytes)
-- A flush must find every key that it declares while a Cluster slot moves.
call('XADD', key_log, '0-1', '~', '')
call('XDEL', key_log, '0-1')
-- A safety net: the turn's end sets the real expiry.
local forever = format('%d', keep_millis + KEYS_MORE_MILLIS)
call('PEXPIRE', key_turn, forever)
call('PEXPIRE', key_log, forever)
if not busy then
  -- #include turn_start
  -- #include remember
  return {state, turn_id}
end
for i = 1, given do
  local id, text = message(i)
  call('HSET', key_turn, format('i%d', i), id, format('d%d', i), text)
end
local waits, position = (queue or '') .. part .. ' ', waiting + 1
if on_busy ~= 'e' then
  waits, position = part .. ' ' .. (queue or ''), 1
  if running then
    if cancel ~= 'r' then call('HSET', key_session, 'T', running .. lead .. on_busy .. rest) end
    call(publish, live_channel, '{"turn":"' .. running .. '","cancel":true}')
  end
end
call('HSET', key_session, 'Q', waits)
if not running then set_due(now) end
-- #include advance
local state = commit_change(queued .. format('%d}', position))
call('HSET', key_turn, 'w', state)
-- #include remember
return {state, running or ''}
