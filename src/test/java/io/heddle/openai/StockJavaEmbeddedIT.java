package io.heddle.openai;

class StockJavaEmbeddedIT extends StockJavaContract {

  @Override
  Replica start() {
    return Replica.embedded();
  }
}
