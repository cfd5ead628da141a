"""What a rule may say: vocabulary, conditions, rule files, registries and scenarios, loaded with positions kept."""
