-- The session of a write: is it there and the owner's, who holds it, where is it.
-- Reads: call, format, key_session, terms, now
-- Leaves: packed, what owned leaves, lock, match, owner, previous (the tag before), turn (the running one, or nil),
--   least (what expires_at must be at least, because a client's lock or a turn keeps its session), ends, token
local packed = call('HGET', key_session, 'p')
local lock, match, owner = '', '', ''
if terms ~= '' then lock, match, owner = string.match(terms, '^([^\n]*)\n([^\n]*)\n(.*)$') end
-- #include owned
if now >= expires_at + 0 then return {0, 'session-expired'} end
local previous, least, turn, ends, token = tag, 0, nil, nil, nil
if #status > 1 then
  local mode, holder = string.match(status, '^(%a%+?)(.*)$')
  ends, token = string.match(holder, '^/(%d+)/(.*)$')
  local running = #mode > 1 and call('HGET', key_session, 'T')
  if running then
    local lease
    turn, lease = string.match(running, '^(%S+) %d+ (%d+)')
    least = lease + LEASE_MARGIN_MILLIS
  end
  if token and now >= ends + 0 then
    -- For ever: a holder that was paused must not come back when somebody's clock jumps.
    status, token = mode, nil
    -- #include repack
    call('HSET', key_session, 'p', state)
    call('HDEL', key_session, 'o', 'y')
  elseif token and lock == '' then
    return {0, 'session-locked', ends, now}
  end
end
if lock ~= '' and lock ~= token then return {0, 'stale-fence'} end
if token and ends + LEASE_MARGIN_MILLIS > least and call('HGET', key_session, 'o') == 'c' then least = ends + LEASE_MARGIN_MILLIS end
if match ~= '' and (string.byte(match) == 33) == (string.find(match, ' ' .. version .. '-' .. tag .. ' ', 1, true) ~= nil) then
  return {0, 'version-conflict', version .. '-' .. tag}
end
