-- For what writes a turn's record: a call that is sent again, because it was not answered, has the tag that it had. What it did is
-- answered as it was, and not taken for another's.
-- Reads: call, key_turn, key_session, new_tag
-- Leaves: mine
local mine = call('HGET', key_turn, 'w')
if mine and string.sub(mine, 1, 8) == new_tag then
  local running = call('HGET', key_session, 'T')
  return {mine, running and string.match(running, '^%S+') or ''}
end
