-- The session of a lock script. It must exist, belong to the owner and not be expired.
-- Reads: call, format, key_session, owner
-- Leaves: clock, now, packed, kind, fence, held_label, what owned and parse_rest leave, mode, ends, token (of whoever holds it, or nil), over (whether there
--   is a holder whose time is over)
-- Defines: hold (writes the holder and lets the session outlive its lock), clear (removes an expired holder for good, so that a clock
--   that jumps back cannot revive it)
-- #include clock
local packed, kind, fence, held_label = unpack(call('HMGET', key_session, 'p', 'o', 'f', 'y'))
-- #include owned
-- #include parse_rest
if now >= expires_at + 0 then return {0, 'session-expired'} end
local mode, ends, token = string.match(status, '^(%a%+?)/?(%d*)/?(.*)$')
local over = ends ~= '' and now >= ends + 0
if over or ends == '' then token = nil end
local function hold(till, holder)
  status = mode .. (holder and '/' .. format('%d', till) .. '/' .. holder or '')
  if holder then
    if till + LEASE_MARGIN_MILLIS > expires_at + 0 then expires_at = till + LEASE_MARGIN_MILLIS end
    -- #include keep_keys
  end
  -- #include repack
  call('HSET', key_session, 'p', state)
end
local function clear()
  if over then
    -- HDEL first: a full Redis lets it pass, and all that follows.
    call('HDEL', key_session, 'o', 'y')
    hold()
  end
end
