-- Carry out moves that were decided outside, each only if nothing has changed since its message was looked at.
-- Parameters: KEYS[1] the namespace; ARGV now, "all" (all of them or none) or "each", the moves (msgpack list of
--   move.Move), then the follow-ups of all moves as parts/put.lua wants them
-- Result: {for each 1 (done) or 0 (the message has changed: look again); with "all" one 0 means that none was done, the gates
--   that have turned: see told_of in parts/blocks.lua}
-- State: whatever the moves say; of each that ends its schedule is told, and those who wait for it are doomed, or let in
-- Safe: a script runs alone. A record is the whole state of its message and never the same twice (fences grow), so
--   an equal digest means that nothing has happened; sent twice, the second finds other records
local K, now, together, moves = KEYS[1], ARGV[1], ARGV[2] == 'all', cmsgpack.unpack(ARGV[3])
--#include calls lines blocks slots schedules sent put moves
local told, all_hold = {}, true
for i, move in ipairs(moves) do
  if together then
    told[i] = holds(move) and 1 or 0
    all_hold = all_hold and told[i] == 1
  end
end
if not all_hold then return {told, {}} end
if not (moves[1] and moves[1].creates) then begin_without_memory() end  -- to record another store's run is as a put
local follow_up = 4
for i, move in ipairs(moves) do
  local number = move.puts or 0
  if together or holds(move) then
    told[i] = 1
    for id, by in pairs(move.widens or {}) do widen(id, by) end
    carry_out(move, now)
    if number > 0 then put(add_places({}, follow_up, number), now) end
    for _, join in ipairs(move.arrives or {}) do arrive(move.id, move.value, join[1], string.format('%.0f', join[2])) end
    let_in()
  else
    told[i] = 0
  end
  follow_up = follow_up + number * STRIDE
end
doom_all()
write_states()
if is_any_ended then redis.call('PUBLISH', K .. 't:results', '1') end
return {told, told_of(turned)}
