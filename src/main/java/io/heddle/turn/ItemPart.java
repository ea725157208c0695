package io.heddle.turn;

/** A part of a stored message that carries an item of the Responses wire: no model is told it. */
public final class ItemPart {

  public static final String TYPE = "openai.item";

  private ItemPart() {}
}
