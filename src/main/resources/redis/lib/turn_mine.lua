-- Answers a call that was sent again, because its reply got lost, with what it did: such a call carries the same tag.
-- Reads: call, key_turn, key_session, new_tag
-- Leaves: mine
local mine = call('HGET', key_turn, 'w')
if mine and string.sub(mine, 1, 8) == new_tag then
  local running = call('HGET', key_session, 'T')
  return {mine, running and string.match(running, '^%S+') or ''}
end
