-- The session of a write: checks that it exists, belongs to the owner and is not expired, then its lock and the If-Match positions.
-- Reads: call, format, key_session, terms, now
-- Leaves: packed, what owned and parse_rest leave, lock, match, owner, previous (the tag before), turn (the running one, or nil),
--   least (what expires_at must be at least, because a client's lock or a turn keeps its session), ends, token
local packed = call('HGET', key_session, 'p')
local lock, match, owner = '', '', ''
if terms ~= '' then lock, match, owner = string.match(terms, '^([^\n]*)\n([^\n]*)\n(.*)$') end
-- #include owned
-- #include parse_rest
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
    -- Removed for good: a paused holder must not come back when a clock jumps.
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
