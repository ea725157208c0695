-- Takes a turn out of the queue and ends it; or asks the owner of a running one to end it.
-- KEYS: @turn
-- ARGV: @turn, how ('k' or 'r' as in begin, '' for one that must be waiting), end_status, ending, head (of the change), live_channel
-- Returns: {state, the running turn or ''}; of a running one no version is made | {2, …} a replay
--   | {0, code}: turn-ended, turn-not-found, turn-running
-- #include write
-- #include turn
local how, end_status, ending, head, live_channel = unpack(ARGV, 9, 13)
-- #include turn_mine
-- #include retry
-- #include pass
local taken_for = call('HGET', key_turn, 'u')
-- #include turn_alive
-- #include turn_write
if now >= expires_at + 0 then return {0, 'session-expired'} end
local ids = ''
if running == turn_id then
  if how == '' then return {0, 'turn-running', running} end
  if cancel ~= 'r' then
    call('HSET', key_session, 'T', running .. ' ' .. attempt .. ' ' .. lease .. ' ' .. how .. string.match(lease_text, '^%S+ %d+ %d+ %S(.*)$'))
  end
  call(publish, live_channel, '{"turn":"' .. running .. '","cancel":true}')
  -- #include remember
  return {packed, running}
end
-- A record of an earlier session of this id is none of this one's.
if taken_for ~= created_at then return {0, 'turn-not-found'} end
local at = place(waiting)
if not at then return {0, 'turn-ended'} end

-- #include advance
if running and expires_at < lease + LEASE_MARGIN_MILLIS then expires_at = lease + LEASE_MARGIN_MILLIS end
waiting = string.sub(waiting, 1, PART_WIDTH * (at - 1)) .. string.sub(waiting, PART_WIDTH * at + 1)
call('HSET', key_session, 'Q', waiting)
if not running and waiting == '' then call('ZREM', key_turns_due, path) end
for i = 1, call('HGET', key_turn, 'n') + 0 do
  call('HDEL', key_turn, format('i%d', i), format('d%d', i))
end
local state = tell(head, 0, ' ', {})
call('HSET', key_turn, 'w', state, 's', end_status, 'a', 0, 'e', stamp, 'j', ending, 'o', version .. '-' .. tag)
leave(over)
-- #include remember
return {state, running or ''}
