from monitor.memory import Commit as Commit, FamilyMemory as FamilyMemory, FamilyState as FamilyState, Memory as Memory, PositionMemory as PositionMemory
