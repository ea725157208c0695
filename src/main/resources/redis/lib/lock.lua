-- The session of a lock script: it is there, the owner's and alive.
-- Reads: call, format, key_session, owner
-- Leaves: clock, now, packed, kind, fence, held_label, what owned leaves, mode, ends and token (of whoever holds it, or
--   token nil), over (whether there is a holder whose time is over)
-- Defines: hold (writes another holder, and makes the session live longer than its lock), clear (removes one whose time is over for
--   ever, whoever's clock jumps)
-- #include clock
local packed, kind, fence, held_label = unpack(call('HMGET', key_session, 'p', 'o', 'f', 'y'))
-- #include owned
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
    -- In this order it passes on a full Redis.
    call('HDEL', key_session, 'o', 'y')
    hold()
  end
end
