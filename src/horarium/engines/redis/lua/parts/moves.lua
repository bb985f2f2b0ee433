-- Moves of messages that were decided outside: see move.Move for what each of their fields says.
local is_any_ended, doomed = false, {}

local function holds(move)
  local message = redis.call('HEXISTS', K .. 'msg', move.id) == 1
  if move.creates and not message then return true end
  local record = redis.call('HGET', K .. 'rec', move.id)
  if not message or (record and redis.sha1hex(record) or '') ~= move.guard then return false end
  if move.seen and redis.sha1hex(redis.call('HGET', K .. 'msg', move.id)) ~= move.seen then return false end
  if move.unblock then
    local text = redis.call('HGET', K .. 'block', move.id)
    if not text or (move.why and move.why ~= text) then return false end
  end
  return not move.leave or not not redis.call('ZSCORE', line_key(move.leave[1], move.leave[2]), move.leave[3])
end

local function count_state(state, by)
  if state ~= 'PENDING' then tally(K .. 'n', state, by) end  -- PENDING is what no other state counts
end

-- All but its follow-ups.
local function carry_out(move, now)
  local id = move.id
  if move.record then redis.call('HSET', K .. 'rec', id, move.record) end
  if move.message then redis.call('HSET', K .. 'msg', id, move.message) end
  if move.leave then leave_line(move.leave[1], move.leave[2], {move.leave[3]}) end
  if move.aside then
    local slot, queue, line, task, member = unpack(move.aside)
    if why_of(id) == 'aside' then
      leave_aside(slot, queue, task, member)
    else  -- a move before it has freed the slot, and called this one back
      leave_line(queue, line, {member})
    end
  end
  if move.unblock then unblock(id) end
  if move.unexpire then redis.call('ZREM', K .. 'exp', id) end
  if move.from then count_state(move.from, -1) end
  if move.to then count_state(move.to, 1) end
  if move.owner then
    redis.call('SREM', K .. 'own:' .. move.owner, id)
    redis.call('SREM', K .. 'term:' .. move.owner, id)
    if move.hand then tally(K .. 'h', move.hand, -1) end
    if redis.call('EXISTS', K .. 'own:' .. move.owner) == 0 then redis.call('SREM', K .. 'owing', move.owner) end
  end
  if move.terminate then redis.call('SADD', K .. 'term:' .. move.terminate, id) end
  if move.age then redis.call('ZADD', K .. 'age', move.age, id) end
  for _, name in ipairs(move.index or {}) do redis.call('ZADD', K .. 'i:' .. name, move.created, id) end
  for _, name in ipairs(move.unindex or {}) do redis.call('ZREM', K .. 'i:' .. name, id) end
  if move.sent then
    local name, nominal = leave(id)
    if move.sent ~= '' then enter(id, move.sent) end
    if name and string.match(move.sent, '^[^;]*;(.*)$') ~= name then
      tell(name, nominal, 'ended', now)  -- it will not hear of the end of this run any more
    end
  end
  if move.tells then end_runs({id}, move.tells, now) end
  if move.forget then
    redis.call('HDEL', K .. 'rec', id)
    redis.call('HDEL', K .. 'msg', id)
    redis.call('ZREM', K .. 'age', id)
  end
  if move.forget or move.until_key then
    for _, key in ipairs({'end', 'endk'}) do redis.call('ZREM', K .. key, '-' .. id, '+' .. id) end
  end
  if move.until_key then
    redis.call('ZADD', K .. move.until_key, move.until_at, move.mark .. id)
    is_any_ended = true
  end
  if move.expire then redis.call('ZADD', K .. 'exp', move.expire, id) end
  if move.join then
    local queue, slot, due, member, task = unpack(move.join)
    line_up(queue, slot, {due, member})
    if tonumber(due) <= tonumber(now) then wake(queue, task, 1) end
  end
  if move.block then set_gates({{id, unpack(move.block)}}) end
  if move.unique then let_go(move.unique, id) end
  if move.slot then leave_slot(move.slot, id, now) end
  if move.dooms then doomed[#doomed + 1] = move end
end

-- What follows from moves at the very end: those who wait for what did not succeed are doomed.
local function doom_all()
  for _, move in ipairs(doomed) do doom(move.dooms, move.doom) end
end
